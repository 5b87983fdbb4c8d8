"""
Verifies deliveries with Stripe's own Python client, and reads each event back with it.

Reads JSON from standard input: the secrets of the endpoint, and deliveries with their body and signature.
Prints one JSON object: how many were verified, and what went wrong.
"""

import json
import os
import sys

import stripe

stripe.max_network_retries = 0


def problem_with(kept: dict[str, stripe.Event], delivery: dict, secrets: list[str]) -> str | None:
    """What is wrong with one delivery; None for one that is right in every way."""
    body, signature = delivery["body"], delivery["signature"]
    event = None
    for secret in secrets:
        try:
            event = stripe.Webhook.construct_event(body, signature, secret)
        except stripe.SignatureVerificationError:
            continue
    if event is None:
        return "no secret verifies the signature"
    for name, forged in {"a changed body": body.replace("}", " }", 1), "another body": "{}"}.items():
        try:
            stripe.Webhook.construct_event(forged, signature, secrets[0])
            return f"{name} passes"
        except stripe.SignatureVerificationError:
            pass
    read = kept.get(event["id"])
    # Events can be read for 30 days, and the scenario lasts for months.
    if read is not None and read["data"]["object"].to_dict() != event["data"]["object"].to_dict():
        return f"{event['type']} reads otherwise than it was delivered"
    return None


def main() -> None:
    given = json.load(sys.stdin)
    client = stripe.StripeClient(
        os.environ["STRIPE_SECRET_KEY"], base_addresses={"api": os.environ["STRIPE_API_HOST"]}
    )
    kept = {event["id"]: event for event in client.v1.events.list({"limit": 100}).auto_paging_iter()}
    found = [problem_with(kept, one, given["secrets"]) for one in given["deliveries"]]
    problems = sorted({one for one in found if one is not None})
    print(json.dumps({"verified": found.count(None), "read": len(kept), "problems": problems, "version": stripe.api_version}))


main()
