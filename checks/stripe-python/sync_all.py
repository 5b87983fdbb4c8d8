"""
Syncs every kind that dj-stripe knows, from the API at STRIPE_API_HOST into an empty SQLite database.

Reads from standard input the models to leave alone, and events as webhooks bring them. Prints one JSON object: by model,
how many objects arrived and what went wrong, and the same of the events. It knows nothing of the API's inside.
"""

import io
import json
import os
import sys

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    SECRET_KEY="not a secret",
    STRIPE_API_HOST=os.environ["STRIPE_API_HOST"],
    STRIPE_API_VERSION=os.environ["STRIPE_API_VERSION"],
    STRIPE_LIVE_MODE=False,
    STRIPE_TEST_SECRET_KEY=os.environ["STRIPE_SECRET_KEY"],
    USE_TZ=True,
)
django.setup()

import stripe  # noqa: E402
from django.apps import apps  # noqa: E402
from django.core.management import call_command  # noqa: E402
from djstripe.management.commands.djstripe_sync_models import Command  # noqa: E402
from djstripe.models import Event  # noqa: E402

stripe.max_network_retries = 0


def sync(name: str) -> dict[str, object]:
    """Runs the command that a person would run, for one model."""
    out, err = io.StringIO(), io.StringIO()
    call_command("djstripe_sync_models", name, api_keys=None, fail_on_error=False, stdout=out, stderr=err)
    model = apps.get_model("djstripe", name)
    return {"stored": model.objects.count(), "errors": err.getvalue().strip().splitlines()}


def handle(events: list[dict]) -> dict[str, object]:
    """Has dj-stripe handle each event, as its webhook view does after it has verified the signature."""
    errors = []
    for event in events:
        try:
            Event.process(data=event, api_key=settings.STRIPE_TEST_SECRET_KEY)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the check looks for
            errors.append(f"{event['type']}: {error!r}")
    return {"handled": len(events) - len(errors), "errors": errors}


def main() -> None:
    given = json.load(sys.stdin)
    call_command("migrate", verbosity=0)
    command = Command()
    models = apps.get_app_config("djstripe").get_models()
    names = [model.__name__ for model in models if command._should_sync_model(model)[0]]
    synced = {name: sync(name) for name in names if name not in given["leave"]}
    print(json.dumps({"models": synced, "events": handle(given["events"])}))


main()
