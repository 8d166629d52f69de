"""Texts that lie sealed under the person's own key, opened for the person's export. Which they are is the vault's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privacy.vault.texts import AI_TEXTS, PAYLOADS, PREFIX, unseal_paths

if TYPE_CHECKING:
    import pyarrow as pa

    from privacy.vault import Vault


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens one person's texts. A text whose key was destroyed is null: nobody can read it any more."""

    vault: Vault
    subject: str

    def opened(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches of raw.system_logs with their sealed texts opened; others pass as they are."""
        for batch in batches:
            sealed = [name for name in PAYLOADS if name in batch.schema.names and _holds(batch[name])]
            yield self._opened(batch, sealed) if sealed else batch

    def _opened(self, batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
        import pyarrow as pa
        import pyarrow.compute as pc

        keys = self.vault.known_data_keys([self.subject])
        for rule in AI_TEXTS:
            rows = pc.fill_null(pc.match_substring_regex(batch["event_type"], f"^(?:{rule.event_types})$"), False)
            for name in names:
                paths = [path for path in rule.paths if path.startswith(f"/{name}/")]
                if not paths:
                    continue
                payloads = batch[name].filter(rows)
                subjects = pa.repeat(pa.scalar(self.subject), len(payloads))
                plain = unseal_paths(payloads, subjects, paths, keys, forgotten_as_null=True)
                changed = pc.replace_with_mask(batch[name], rows, plain)
                batch = batch.set_column(batch.schema.get_field_index(name), name, changed)
        return batch


def _holds(payloads: pa.Array) -> bool:
    import pyarrow.compute as pc

    found: Any = pc.any(pc.match_substring(payloads, PREFIX)).as_py()
    return bool(found)
