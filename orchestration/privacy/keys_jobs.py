"""The vault's rotation in Dagster: another master key for every key, with counts and a picture. No key is shown."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots
from orchestration.platform import PlatformResource

if TYPE_CHECKING:
    from privacy.vault.vault import Status


@dg.op(name="key_rotation", out=dg.Out(int), tags={"team": "privacy"})
def key_rotation(context: dg.OpExecutionContext, platform: PlatformResource) -> int:
    """Wrap every key anew; a rotation that was killed is finished first, and only that."""
    vault = platform.open().vault
    done = vault.rotate(progress=lambda n: context.log.info(f"{n:,} data keys"))
    context.add_output_metadata(metadata_of(vault.status()) | {"generation": done.generation})
    return done.n_data_keys


def metadata_of(status: "Status") -> dict[str, Any]:
    """Counts, whether a rotation is unfinished, and bars of data keys per generation of master keys."""
    per_generation = sorted(status.n_data_keys.items())
    return {
        "data_keys": sum(status.n_data_keys.values()),
        "purpose_keys": status.n_purposes,
        "salts": status.n_salts,
        "destroyed": status.n_destroyed,
        "is_unfinished": len(status.generations) > 1,
        "data_keys_per_generation": plots.series(per_generation, "data keys per generation"),
    }


@dg.job(name="key_rotation_job", description="Another master key: every key of the vault is wrapped anew.")
def key_rotation_job() -> None:
    """One op, started by a person: after erasures that matter, or when a master key may be known."""
    key_rotation()


JOBS = [key_rotation_job]
