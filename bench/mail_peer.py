"""django-helpdesk beside the desk: the same mails, turned into tickets within its process.

`rate` installs it into an environment of its own, which nothing of Paidan ever imports, and runs
this file there. Without a package index, or with one that lacks it, the reason is given instead.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from types import ModuleType

PACKAGES = ("django-helpdesk==2.6.1", "django>=5.2,<5.3", "setuptools")
ROOT = Path(__file__).parent.parent
PLACE = Path(tempfile.gettempdir()) / "paidan-bench-django-helpdesk"


class Absent(Exception):
    """Why there is nothing to compare with."""


def rate(count: int, seed: int) -> float:
    """Mails a second. Raises Absent."""
    python = _installed()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-m", "bench.mail_peer", folder, str(count), str(seed)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise Absent(done.stderr.strip().splitlines()[-1])
    told = json.loads(done.stdout.splitlines()[-1])
    if told["tickets"] < count / 2 or told["failed"]:
        raise Absent(f"it made {told['tickets']} tickets and failed at {told['failed']} mails")
    return float(told["rate"])


def _installed() -> str:
    python = PLACE / "bin/python"
    if not python.exists():
        uv = shutil.which(
            "uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        )
        if uv is None:
            raise Absent("uv is not installed")
        try:
            _run(uv, "venv", "--quiet", PLACE)
            _run(uv, "pip", "install", "--quiet", "--python", python, *PACKAGES)
        except subprocess.CalledProcessError as failure:
            shutil.rmtree(PLACE, ignore_errors=True)
            raise Absent(failure.stderr.strip().splitlines()[-1]) from failure
    return str(python)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)


# -- inside its environment


def _configure(folder: str) -> None:
    import django
    from django.conf import settings

    wal = "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"  # as durable as the desk
    apps = ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles", "sites")
    settings.configure(
        SECRET_KEY="bench",
        INSTALLED_APPS=[
            *(f"django.contrib.{app}" for app in apps),
            "django.contrib.humanize",
            "rest_framework",
            "helpdesk",
        ],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{folder}/db.sqlite3",
                "OPTIONS": {"init_command": wal, "transaction_mode": "IMMEDIATE"},
            }
        },
        ROOT_URLCONF="bench.mail_peer_urls",
        SITE_ID=1,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        MEDIA_ROOT=f"{folder}/media",
        EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",  # worded, not sent
        HELPDESK_TEAMS_MODE_ENABLED=False,
        LOGGING_CONFIG=None,
    )
    django.setup()
    from django.urls import include, path

    sys.modules["bench.mail_peer_urls"] = urls = ModuleType("bench.mail_peer_urls")
    urls.urlpatterns = [path("helpdesk/", include("helpdesk.urls"))]  # type: ignore[attr-defined]


def main(folder: str, count: int, seed: int) -> None:
    logging.disable(logging.CRITICAL)
    _configure(folder)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("loaddata", "emailtemplate.json", verbosity=0)
    from helpdesk.email import extract_email_metadata
    from helpdesk.models import Queue, Ticket

    from bench.mails import mails

    queue = Queue.objects.create(
        title="Support", slug="support", email_address="desk@desk.test", allow_email_submission=True
    )
    made = [raw.decode() for raw in mails(count, seed)]
    failed, started = 0, perf_counter()
    for mail in made:
        failed += not extract_email_metadata(mail, queue, logging.getLogger("bench"))
    took = perf_counter() - started
    print(json.dumps({"rate": count / took, "tickets": Ticket.objects.count(), "failed": failed}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
