-- Every text that is sealed in an AI event (AI_TEXTS in privacy/vault/texts.py) ends before its event, as prompts do.
insert into privacy.retention_properties (event_type, path, days, changed_by, reason, changed_at)
select '*', path, 30, 'lethe', 'the default of a new home', '2026-01-01 00:00:00+00'
from unnest(array[
  '/data/prompt_text', '/data/input_text', '/data/gen_ai.prompt', '/data/response_text', '/data/output_text',
  '/data/completion', '/data/gen_ai.completion', '/data/messages/*/content', '/data/feedback_text'
]) as texts (path)
on conflict do nothing;
