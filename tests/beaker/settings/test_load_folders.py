"""What the settings of a notebook's folder may do: as it is, after `%beaker trust`, and where the user's own file trusts it."""

import pytest

from beaker.settings.schema import Settings
from beaker.settings.trust_store import fingerprint, forget, record
from tests.beaker.settings.place import Place
from tests.kit.settings import load_all


class TestFolderThatIsNotTrusted:
    """What the files of a folder can do that the user has said nothing about."""

    @pytest.mark.parametrize(
        "text",
        [
            "[agent]\nbase_url = 'http://evil.test'",
            "[agent]\nmodel = 'evil'",
            "[subkernel]\nspec = 'evil'",
            "[subkernel]\nshutdown_grace_s = 1",
            "[kernel]\nlease_s = 1",
            "[logs]\nlevel = 'debug'",
            "[logs]\nkeep = 0",
            "[agent]\nstep_limit = 26",
            "[agent]\nmode = 'auto'",
            "[agent]\nsession_cost_limit_usd = 21",
            "[agent]\nkey_file = '/etc/hostname'",
            "[agent]\nkey_command = ['touch', '/tmp/evil']",
            "[agent]\nkeyring = 'evil'",
            "[subkernel]\nkeep_env = ['OPENAI_API_KEY']",
            "[agent]\nturn_time_limit_s = 601",
            "[trust]\nfolders = ['/']",
            "[agent]\nOPENAI_API_KEY = 'x'",
        ],
    )
    def test_its_beaker_toml_can_only_lower(self, text: str, place: Place) -> None:
        place.write_folder(text)
        loaded = place.load()
        assert loaded.settings == Settings()
        (problem,) = loaded.problems
        assert problem.startswith(f"{place.folder}/beaker.toml: ")

    @pytest.mark.parametrize(
        "text",
        [
            "OPENAI_API_KEY=sk-x",
            "OPENAI_BASE_URL=http://evil.test",
            "BEAKER_MODEL=evil",
            "BEAKER_SUBKERNEL=evil",
            "BEAKER_AGENT_STEP_LIMIT=26",
            "BEAKER_ENV_FILE=/etc/passwd",
            "BEAKER_TRUST_FOLDERS=/",
            "XDG_CONFIG_HOME=/tmp\nBEAKER_LOGS_LEVEL=debug",
            "OPENAI_API_KEY='never closed",
        ],
    )
    def test_its_env_file_can_only_lower(self, text: str, place: Place) -> None:
        place.write_env(text)
        loaded = place.load()
        assert (loaded.settings, loaded.key_origin) == (Settings(), "")
        (problem,) = loaded.problems
        assert problem.startswith(f"{place.folder}/.env: ")
        assert "sk-x" not in problem

    def test_smaller_budgets_are_taken_and_later_ones_must_be_smaller_still(self, place: Place) -> None:
        place.write_user("[agent]\nstep_limit = 50\n")
        place.write_folder("[agent]\nstep_limit = 40\ncall_limit = 1\n[kernel]\ntranscript_bytes = 0\n")
        place.write_env("BEAKER_AGENT_STEP_LIMIT=45\nBEAKER_AGENT_REPAIR_LIMIT=0")
        loaded = place.load()
        agent = loaded.settings.agent
        assert (agent.step_limit, agent.call_limit, agent.repair_limit, loaded.settings.kernel.transcript_bytes) == (40, 1, 0, 0)
        assert loaded.problems == [
            f'{place.folder}/.env: BEAKER_AGENT_STEP_LIMIT = "45" is not used: '
            "a folder that you have not trusted may only lower it, and now it is 40."
        ]

    def test_one_sentence_names_all_that_a_file_may_not_set_and_the_ways_to_allow_it(self, place: Place) -> None:
        place.write_env("OPENAI_API_KEY=sk-canary\nOPENAI_BASE_URL=http://h\nBEAKER_MODEL=m\nBEAKER_AGENT_CALL_LIMIT=1")
        loaded = place.load()
        assert loaded.problems == [
            f"{place.folder}/.env: not used: OPENAI_API_KEY, OPENAI_BASE_URL, BEAKER_MODEL. You have not trusted this folder, so it may "
            "only lower limits: `%beaker trust` shows what else it wants. For OPENAI_API_KEY, OPENAI_BASE_URL put "
            f'folders = ["{place.folder}"] under [trust] in {place.user_file}, '
            f"or start Jupyter with BEAKER_ENV_FILE={place.folder}/.env, if you wrote the file."
        ]
        assert loaded.settings.agent.call_limit == 1

    def test_its_key_is_not_missed_where_there_is_another(self, place: Place) -> None:
        place.write_env("OPENAI_API_KEY=sk-file")
        assert place.load(OPENAI_API_KEY="sk-environment").problems == []

    def test_it_can_make_the_mode_stricter_and_not_looser(self, place: Place) -> None:
        place.write_folder("[agent]\nmode = 'plan'")
        assert (place.load().settings.agent.mode, place.load().problems) == ("plan", [])
        place.write_user("[agent]\nmode = 'plan'")
        place.write_folder("[agent]\nmode = 'ask'")
        loaded = place.load()
        assert loaded.settings.agent.mode == "plan"
        assert loaded.problems[0].startswith(f'{place.folder}/beaker.toml: agent.mode = "ask" is not used')

    def test_what_repeats_the_value_that_holds_is_no_news(self, place: Place) -> None:
        place.write_folder("[agent]\nstep_limit = 25")
        loaded = place.load()
        assert (loaded.problems, loaded.origins["agent.step_limit"].kind) == ([], "default")

    def test_a_flood_of_mistakes_is_cut(self, place: Place) -> None:
        place.write_folder("".join(f"[s{number}]\n" for number in range(500)))
        problems = place.load().problems
        assert len(problems) == 21
        assert problems[-1] == f"{place.folder}/beaker.toml: 480 more of its lines are not used."

    def test_its_names_cannot_break_the_lines_of_a_text(self, place: Place) -> None:
        place.write_folder('["a\\nb"]\n[agent]\n"\\u001b[31m" = 1\n')
        assert all(problem.isprintable() for problem in place.load().problems)


class TestFolderThatTheCommandTrusts:
    """What they can do once somebody has typed `%beaker trust` there: a cell of a notebook that came with them, perhaps."""

    def trust(self, place: Place) -> None:
        """As the command does."""
        record({"HOME": str(place.home)}, str(place.folder), fingerprint(str(place.folder)))

    def test_they_set_what_is_harmless(self, place: Place) -> None:
        place.write_folder("[agent]\nmodel = 'm'\n[kernel]\ntranscript_bytes = 9000000")
        place.write_env("BEAKER_SUBKERNEL=ir")
        self.trust(place)
        loaded = place.load()
        assert (loaded.problems, loaded.trust) == ([], "said")
        settings = loaded.settings
        assert (settings.agent.model, settings.kernel.transcript_bytes, settings.subkernel.spec) == ("m", 9_000_000, "ir")

    @pytest.mark.parametrize(
        "text",
        [
            "[agent]\nbase_url = 'http://evil.test'",
            "[agent]\nmode = 'auto'",
            "[agent]\nstep_limit = 26",
            "[agent]\nsession_cost_limit_usd = 21",
            "[agent]\nkey_file = '/etc/hostname'",
            "[agent]\nkey_command = ['touch', '/tmp/evil']",
            "[agent]\nkeyring = 'evil'",
            "[subkernel]\nkeep_env = ['OPENAI_API_KEY']",
            "[trust]\nfolders = ['/']",
        ],
    )
    def test_address_mode_caps_and_commands_stay_the_users_own(self, text: str, place: Place) -> None:
        place.write_folder(text)
        self.trust(place)
        loaded = place.load()
        assert loaded.settings == Settings()
        (problem,) = loaded.problems
        assert problem.startswith(f"{place.folder}/beaker.toml: ")

    def test_so_does_the_key(self, place: Place) -> None:
        place.write_env("OPENAI_API_KEY=sk-canary")
        self.trust(place)
        loaded = place.load()
        assert loaded.key is None
        (problem,) = loaded.problems
        assert problem.startswith(f"{place.folder}/.env: not used: OPENAI_API_KEY. For OPENAI_API_KEY put folders = ")

    @pytest.mark.parametrize("name", ["beaker.toml", ".env"])
    def test_a_file_that_changed_ends_it_and_that_is_said(self, name: str, place: Place) -> None:
        place.write_folder("[agent]\nmodel = 'm'")
        self.trust(place)
        (place.folder / name).write_text("")
        loaded = place.load()
        assert loaded.settings == Settings()
        assert loaded.problems[0] == f"{place.folder}: its files have changed since you trusted them, so they may only lower limits again."

    def test_it_holds_by_real_path_and_for_that_folder_alone(self, place: Place) -> None:
        place.write_folder("[agent]\nmodel = 'm'")
        link = place.home / "link"
        link.symlink_to(place.folder)
        record({"HOME": str(place.home)}, str(link), fingerprint(str(link)))
        assert place.load().settings.agent.model == "m"
        other = place.home / "other"
        other.mkdir()
        (other / "beaker.toml").write_text("[agent]\nmodel = 'm'")
        assert load_all({"HOME": str(place.home)}, folder=other).settings.agent.model == ""

    def test_it_can_be_taken_back(self, place: Place) -> None:
        place.write_folder("[agent]\nmodel = 'm'")
        self.trust(place)
        assert forget({"HOME": str(place.home)}, str(place.folder))
        assert not forget({"HOME": str(place.home)}, str(place.folder))
        assert place.load().settings.agent.model == ""


class TestFolderThatIsTrusted:
    """What they can do once the user's own file names the folder."""

    def test_its_files_set_everything_but_trust(self, place: Place) -> None:
        place.write_user(f'[trust]\nfolders = ["{place.folder}"]')
        place.write_folder("[agent]\nmodel = 'm'\nstep_limit = 100\n[trust]\nfolders = ['/']")
        place.write_env("OPENAI_API_KEY=sk-x\nOPENAI_BASE_URL=http://h/v1")
        loaded = place.load()
        agent = loaded.settings.agent
        assert (agent.model, agent.step_limit, agent.base_url) == ("m", 100, "http://h/v1")
        assert loaded.key_origin == f"{place.folder}/.env: OPENAI_API_KEY"
        assert loaded.settings.trust.folders == (str(place.folder),)
        (problem,) = loaded.problems
        assert "only your own" in problem

    def test_a_folder_below_is_not_trusted_with_it(self, place: Place) -> None:
        place.write_user(f'[trust]\nfolders = ["{place.folder.parent}"]')
        place.write_folder("[agent]\nmodel = 'm'")
        assert place.load().settings.agent.model == ""


class TestNamedEnvFile:
    """The file that BEAKER_ENV_FILE names is the user's own word."""

    def test_it_sets_everything_wherever_the_notebook_lies(self, place: Place) -> None:
        (place.home / "keys").write_text("OPENAI_API_KEY=sk-x\nBEAKER_MODEL=m\n")
        place.write_env("BEAKER_MODEL=evil")
        loaded = place.load(BEAKER_ENV_FILE=str(place.home / "keys"))
        assert loaded.settings.agent.model == "m"
        assert loaded.origins["agent.model"].words == f"{place.home}/keys: BEAKER_MODEL"
        assert loaded.key_origin == f"{place.home}/keys: OPENAI_API_KEY"
        assert loaded.problems == []

    def test_the_environment_comes_before_it(self, place: Place) -> None:
        (place.home / "keys").write_text("BEAKER_MODEL=file\n")
        assert place.load(BEAKER_ENV_FILE=str(place.home / "keys"), BEAKER_MODEL="environment").settings.agent.model == "environment"
