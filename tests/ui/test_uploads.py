"""Files that the page sends: received with the service's bounds, each on its own, for whoever sent them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from docparse.api.config import ApiConfig
from docparse.api.job import Upload
from docparse.errors import DocparseError, JobNotFound
from docparse.ui.mount import Viewer
from docparse.ui.uploads import CLAIM_SECONDS
from tests.api.fake_service import FakeService
from tests.api.loopback import Running, running

PDF = b"%PDF-1.7\n"
CONFIG = ApiConfig(upload_bytes=100_000, owner_uploads=2)
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


class Sent:
    """A service with the viewer's route alone: Gradio is not needed for these."""

    def __init__(self, server: Running, folder: Path) -> None:
        self.server = server
        self.viewer = Viewer(server.app.state.desk, folder)
        self.uploads = self.viewer.uploads
        server.app.router.routes.append(self.viewer)

    @property
    def kept(self) -> list[bytes]:
        return list(self.server.service.uploads.values())

    def post(self, *files: tuple[str, bytes], **more: str) -> httpx.Response:
        return self.server.client.post("/gradio_api/upload", files=[("files", file) for file in files], params=more)

    def claim(self, path: str, *, owner: str = "local") -> Upload:
        return self.server.call(lambda: self.uploads.claim(path, owner=owner))  # type: ignore[no-any-return]


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Sent]:
    with running(FakeService, CONFIG) as server:
        yield Sent(server, tmp_path)


def test_each_file_is_received_by_itself(sent: Sent, tmp_path: Path) -> None:
    files = [("a.pdf", PDF), ("b.txt", b"neither"), ("c.pdf", PDF + b"0" * 100_000), ("d.pdf", PDF + b"d" * 90_000)]
    paths = sent.post(*files).json()
    assert [Path(path).name for path in paths] == [name for name, _ in files]
    assert sorted(sent.kept) == sorted([files[0][1], files[3][1]])
    # Gradio sees empty files, in folders of their owner's.
    assert all(Path(path).is_relative_to(tmp_path) and Path(path).read_bytes() == b"" for path in paths)
    assert {Path(path).parent.stat().st_mode & 0o777 for path in paths} == {0o700}

    assert sent.claim(paths[0]).name == "a.pdf"
    for path, why in ((paths[1], "neither a PDF nor a picture"), (paths[2], "more than 100,000 bytes")):
        with pytest.raises(DocparseError, match=why):
            sent.claim(path)
    assert sent.claim(paths[3]).bytes == 90_009
    assert list(tmp_path.iterdir()) == []


def test_nobody_claims_what_is_not_theirs_or_twice(sent: Sent) -> None:
    (path,) = sent.post(("a.pdf", PDF)).json()
    for other in (path.replace("a.pdf", "../a.pdf"), "/etc/passwd", "", f"{path}/x"):
        with pytest.raises(JobNotFound):
            sent.claim(other)
    with pytest.raises(JobNotFound):
        sent.claim(path, owner="anna")
    assert sent.claim(path).name == "a.pdf"
    with pytest.raises(JobNotFound):
        sent.claim(path)


def test_what_nobody_claims_is_forgotten(sent: Sent, tmp_path: Path) -> None:
    (path,) = sent.post(("a.pdf", PDF)).json()
    sent.server.call(lambda: sent.uploads.sweep(older=CLAIM_SECONDS))
    assert sent.kept == [PDF]
    sent.server.call(lambda: sent.uploads.sweep(older=0.0))
    assert sent.kept == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(JobNotFound):
        sent.claim(path)


def test_a_form_that_breaks_leaves_nothing(sent: Sent) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n' + PDF + b"\r\n"
    answer = sent.server.client.post("/gradio_api/upload", content=part + part[:60], headers=FORM)
    assert answer.status_code == 422
    assert answer.text.startswith("the form ends in the middle.")
    assert sent.kept == []


def test_a_form_of_too_many_files_is_refused(sent: Sent) -> None:
    answer = sent.post(*[(f"{number}.pdf", PDF) for number in range(501)])
    assert answer.status_code == 413
    assert "more than 500 parts" in answer.text
    assert sent.kept == []


def test_names_are_never_paths(sent: Sent, tmp_path: Path) -> None:
    paths = sent.post(("../../etc/passwd", PDF), ("..", PDF), ("a\\b.pdf", PDF), ("\u202efdp.exe", PDF)).json()
    assert [Path(path).name for path in paths] == ["passwd", "document", "b.pdf", "fdp.exe"]
    assert all(Path(path).parent.parent == tmp_path for path in paths)


def test_a_name_in_any_script_is_no_longer_than_a_name_may_be(sent: Sent) -> None:
    for name in ("名" * 190 + ".pdf", "x" * 190 + ".pdf", "名" * 200, "a." + "名" * 190):
        answer = sent.post((name, PDF))
        assert answer.status_code == 200, answer.text
        (path,) = answer.json()
        assert len(Path(path).name.encode()) <= 255
        assert Path(path).suffix == Path(name).suffix or len(Path(name).suffix) > 20
        assert sent.claim(path).sha256


def test_a_full_queue_is_told_before_anything_is_kept(tmp_path: Path) -> None:
    with running(lambda: FakeService(most_waiting=0), CONFIG) as server:
        sent = Sent(server, tmp_path)
        answer = sent.post(("a.pdf", PDF))
        assert answer.status_code == 429
        assert answer.text.startswith("too many jobs wait already.")
        assert sent.kept == []


def test_progress_is_told_by_file(sent: Sent) -> None:
    sent.post(("a.pdf", PDF + b"0" * 5000), ("b.pdf", PDF), upload_id="u1")
    told = sent.server.client.get("/gradio_api/upload_progress", params={"upload_id": "u1"}).text
    assert '"orig_name": "a.pdf", "chunk_size": 5009' in told
    assert '"orig_name": "b.pdf", "chunk_size": 9' in told
    assert told.endswith('data: {"msg": "done"}\n\n')


def test_progress_counts_as_a_stream(tmp_path: Path) -> None:
    with running(FakeService, ApiConfig(owner_streams=0)) as server:
        Sent(server, tmp_path)
        answer = server.client.get("/gradio_api/upload_progress", params={"upload_id": "u1"})
        assert answer.status_code == 429
