"""The picture in README.md is what happens."""

from xml.etree import ElementTree

import pytest

from tools import recording


@pytest.mark.engine
@pytest.mark.long
def test_shows_what_is_printed() -> None:
    # Otherwise run: .venv/bin/python -m tools.recording
    shown = recording.lines(recording.run())
    assert recording.drawing(shown) == recording.DRAWING.read_text("utf-8")


def test_is_a_picture_with_the_proof_as_its_last_line() -> None:
    picture = ElementTree.parse(recording.DRAWING).getroot()  # noqa: S314 - our own
    texts = [text.text or "" for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    # Browsers show several blanks as one, and the tables out of line.
    assert " " not in "".join(texts)
    shown = [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]
    assert shown[0] == "$ make local"
    assert shown[-1].startswith("Proven: each workflow sends as its own mailbox")
