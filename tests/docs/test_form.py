"""The check of form finds a file that is too long and a name that means two things, and passes over what it must."""

import subprocess
import sys
from pathlib import Path

CHECK = Path(__file__).parent.parent.parent / "scripts" / "form.py"


def checked(root: Path) -> tuple[int, str]:
    ran = subprocess.run([sys.executable, str(CHECK), str(root)], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_a_file_may_have_320_lines_and_no_more(tmp_path: Path) -> None:
    write(tmp_path, "mail/signed_links.py", "\n" * 320)
    assert checked(tmp_path) == (0, "")
    write(tmp_path, "mail/signed_links.py", "\n" * 321)
    said = "mail/signed_links.py has 321 lines, more than 320: split it by what its callers come for\n"
    assert checked(tmp_path) == (1, said)


def test_a_file_of_tests_may_have_400_lines_and_no_more(tmp_path: Path) -> None:
    write(tmp_path, "tests/mail/test_links.py", "\n" * 400)
    assert checked(tmp_path) == (0, "")
    write(tmp_path, "tests/mail/test_links.py", "\n" * 401)
    said = "tests/mail/test_links.py has 401 lines, more than 400: split it by what its tests specify\n"
    assert checked(tmp_path) == (1, said)


def test_a_room_of_services_or_queries_may_have_seven_files_and_no_more(tmp_path: Path) -> None:
    for number in range(7):
        write(tmp_path, f"services/imports/file_{number}.py", "")
        write(tmp_path, f"store/queries/sending/file_{number}.py", "")
    for number in range(9):
        write(tmp_path, f"api/routes/file_{number}.py", "")
    write(tmp_path, "services/imports/__init__.py", "")
    assert checked(tmp_path) == (0, "")
    write(tmp_path, "services/imports/file_7.py", "")
    write(tmp_path, "store/queries/sending/file_7.py", "")
    said = [
        f"{room}/ has 8 files, more than 7: split it by subject\n"
        for room in ("services/imports", "store/queries/sending")
    ]
    assert checked(tmp_path) == (1, "".join(said))


def test_a_class_and_an_alias_of_one_name_mean_two_things(tmp_path: Path) -> None:
    write(tmp_path, "store/ids.py", "class Call:\n    pass\n")
    assert checked(tmp_path) == (0, "")
    write(tmp_path, "api/deps.py", "KEY = 1\nCall = str | int\n")
    said = "Call means 2 things (api/deps.py:2, store/ids.py:1): give each a name of its own\n"
    assert checked(tmp_path) == (1, said)


def test_what_is_generated_or_was_written_once_may_be_long_and_say_it_again(tmp_path: Path) -> None:
    write(tmp_path, "store/ids.py", "class Call:\n    pass\n")
    write(tmp_path, "waypost/client/models.py", "class Call:\n    pass\n" + "\n" * 900)
    write(tmp_path, "store/migrations/versions/0001_tables.py", "Call = str\n" + "\n" * 900)
    assert checked(tmp_path) == (0, "")
