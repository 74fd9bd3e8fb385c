"""Files as people have them, and drafts, at the command line."""

from pathlib import Path

from tests.conftest import MakeStack
from tests.support.herald_command import herald
from tests.support.stack import ADMIN_TOKEN


async def test_a_file_of_excel_is_inspected_imported_and_sent_to(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = await make_stack("api")
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    file, refused = tmp_path / "clients.csv", tmp_path / "refused.csv"
    file.write_bytes("Телефон;Имя\n8 (916) 123-45-67;Анна\n7,91612E+10;Борис\n".encode("cp1251"))

    done = await herald("clients", "inspect", str(file), env=env)
    assert done.code == 0, done.err
    assert "windows-1251" in done.out
    assert "attributes.name" in done.out

    done = await herald("clients", "import", str(file), "--as-proposed", "--refused", str(refused), env=env)
    assert done.code == 0, done.err
    assert refused.read_text("utf-8-sig").splitlines()[1].startswith("7,91612E+10;Борис;3;phone: Excel has shortened")

    draft = ("mailings", "create", "--text", "Hi {{name}}", "--end-at", "+1h", "--draft", "--name", "First")
    done = await herald(*draft, env=env)
    assert done.code == 0, done.err
    file.write_text("phone,name\n79161234567,Anna\n79161234568,Boris\n")
    done = await herald("mailings", "recipients", "1", str(file), env=env)
    assert "mailing 1 has 2 recipients" in done.out, done.err
    done = await herald("mailings", "duplicate", "1", env=env)
    assert done.code == 0, done.err
    done = await herald("mailings", "start", "1", env=env)
    assert done.code == 0, done.err
    assert "scheduled" in done.out
