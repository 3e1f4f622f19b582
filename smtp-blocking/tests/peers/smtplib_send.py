"""Sends one message with Python's smtplib: smtplib_send.py HOST PORT FROM TO... < MESSAGE

Prints one line of JSON: {"refused": {address: [code, text]}} when the server took the message for at least one
recipient, {"error": name, ...} when it did not. Exits 0 and 1.
"""

import json
import smtplib
import sys


def text(refused):
    return {address: [code, reason.decode()] for address, (code, reason) in refused.items()}


host, port, sender, *recipients = sys.argv[1:]
message = sys.stdin.buffer.read()
try:
    with smtplib.SMTP(host, int(port), local_hostname="client.example", timeout=60) as server:
        options = ["BODY=8BITMIME"] if max(message, default=0) > 127 else []
        refused = server.sendmail(sender, recipients, message, options)
        print(json.dumps({"refused": text(refused)}))
except smtplib.SMTPRecipientsRefused as error:
    print(json.dumps({"error": "SMTPRecipientsRefused", "refused": text(error.recipients)}))
    sys.exit(1)
except smtplib.SMTPResponseException as error:
    print(json.dumps({"error": type(error).__name__, "code": error.smtp_code, "text": error.smtp_error.decode()}))
    sys.exit(1)
