from bench.compare import compare
from bench.options import RunOptions


def test_wandb_runs_offline_without_a_key_or_a_prompt(image_folder, tmp_path, monkeypatch):
    import wandb

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    options = RunOptions(dataset="folder", data_root=str(image_folder), limit=2, output=tmp_path, wandb="trial")
    try:
        result = compare(["rigid"], options)
    finally:
        wandb.finish()
    (run,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    assert run.stat().st_size > 0
    assert "rigid/seed0/blurry/auroc" in result.logged
