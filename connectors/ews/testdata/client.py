"""An independent EWS client for the fake: reads commands from standard input, answers each with one line."""

import sys
from datetime import timedelta

from exchangelib import BASIC, DELEGATE, Account, Build, CalendarItem, Configuration, Credentials, EWSDateTime, EWSTimeZone, Version
from exchangelib.errors import EWSError

url, user, password, room = sys.argv[1:5]
utc = EWSTimeZone("UTC")
config = Configuration(
    service_endpoint=url, credentials=Credentials(user, password), auth_type=BASIC, version=Version(build=Build(15, 2, 1118, 7))
)
account = Account(primary_smtp_address=room, config=config, autodiscover=False, access_type=DELEGATE, default_timezone=utc)
calendar = account.calendar
start = EWSDateTime(2026, 11, 23, 9, 0, 0, tzinfo=utc)
item = None


def run(command):
    global item
    if command == "create":
        item = CalendarItem(account=account, folder=calendar, subject="From <exchangelib> & Größe", start=start, end=start + timedelta(hours=1))
        item.save(send_meeting_invitations="SendToNone")
        return f"{bool(item.id)} {bool(item.changekey)}"
    if command == "extend":
        item.end = start + timedelta(hours=2)
        item.save(update_fields=["end"], send_meeting_invitations="SendToNone")
        return "done"
    if command == "sync":
        kinds = [f"{kind}" for kind, _ in calendar.sync_items(only_fields=["subject"])]
        return " ".join(kinds) or "nothing"
    if command == "view":
        found = calendar.view(start=start - timedelta(days=1), end=start + timedelta(days=5)).only("subject", "start", "end", "uid")
        return " | ".join(f"{i.start:%d %H:%M}-{i.end:%H:%M} {i.subject}" for i in found) or "nothing"
    if command == "stale":
        item.end = start + timedelta(hours=3)
        item.changekey = "AAAA"
        item.save(update_fields=["end"], conflict_resolution="NeverOverwrite", send_meeting_invitations="SendToNone")
        return "written"
    if command == "delete":
        item.delete(send_meeting_cancellations="SendToNone")
        return "done"
    if command == "rooms":
        return " ".join(f"{r.email_address}" for rl in account.protocol.get_roomlists() for r in account.protocol.get_rooms(rl.email_address))
    if command == "names":
        return " ".join(m.email_address for m in account.protocol.resolve_names(["z"]))
    if command == "denied":
        other = Account(primary_smtp_address="boss@rooms.test", config=config, autodiscover=False, access_type=DELEGATE, default_timezone=utc)
        CalendarItem(account=other, folder=other.calendar, subject="x", start=start, end=start + timedelta(hours=1)).save(
            send_meeting_invitations="SendToNone"
        )
        return "written"
    return "unknown"


print("ready", flush=True)
for line in sys.stdin:
    try:
        print(run(line.strip()), flush=True)
    except EWSError as e:
        print(type(e).__name__, flush=True)
