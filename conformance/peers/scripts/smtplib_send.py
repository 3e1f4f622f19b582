"""Sends one message with Python's smtplib: smtplib_send.py SETTINGS < MESSAGE

The settings are JSON: {"host", "port", "from", "to", "login"}, and `login` is null or {"implicit", "ca", "mechanism",
"user", "secret"}.

Prints one line of JSON: {"refused": {address: [code, text]}} when the server took the message for at least one
recipient, {"error": name, ...} when it did not. Exits 0 and 1.
"""

import json
import smtplib
import ssl
import sys


def text(refused):
    return {address: [code, reason.decode()] for address, (code, reason) in refused.items()}


def connect(host, port, login):
    options = {"local_hostname": "client.example", "timeout": 60}
    if not login:
        return smtplib.SMTP(host, port, **options)
    tls = ssl.create_default_context(cafile=login["ca"])
    if login["implicit"]:
        server = smtplib.SMTP_SSL(host, port, context=tls, **options)
    else:
        server = smtplib.SMTP(host, port, **options)
        server.starttls(context=tls)
    server.ehlo()
    server.user, server.password = login["user"], login["secret"]
    server.auth(login["mechanism"], getattr(server, "auth_" + login["mechanism"].lower().replace("-", "_")))
    return server


settings = json.loads(sys.argv[1])
message = sys.stdin.buffer.read()
try:
    with connect(settings["host"], settings["port"], settings["login"]) as server:
        options = ["BODY=8BITMIME"] if max(message, default=0) > 127 else []
        refused = server.sendmail(settings["from"], settings["to"], message, options)
        print(json.dumps({"refused": text(refused)}))
except smtplib.SMTPRecipientsRefused as error:
    print(json.dumps({"error": "SMTPRecipientsRefused", "refused": text(error.recipients)}))
    sys.exit(1)
except smtplib.SMTPResponseException as error:
    print(json.dumps({"error": type(error).__name__, "code": error.smtp_code, "text": error.smtp_error.decode()}))
    sys.exit(1)
