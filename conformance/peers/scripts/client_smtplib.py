"""Sends with Python's smtplib what stands in the environment, as the conformance suite tells a client what to do.

Exits 0 if every recipient of every mail was accepted, and 127 for what it cannot do.
"""

import os
import smtplib
import ssl
import sys

get = os.environ.get
host, port, security = get("SMTP_HOST"), int(get("SMTP_PORT")), get("SMTP_SECURITY")
if security == "opportunistic":
    sys.exit(127)
options = {"local_hostname": "client.example", "timeout": 60}
tls = ssl.create_default_context(cafile=get("SMTP_CA"))
if security == "implicit":
    server = smtplib.SMTP_SSL(host, port, context=tls, **options)
else:
    server = smtplib.SMTP(host, port, **options)
everybody = True
with server:
    if security == "starttls":
        server.starttls(context=tls)
    if get("SMTP_USER"):
        mechanism = get("SMTP_MECHANISM")
        if mechanism:
            server.ehlo_or_helo_if_needed()
            server.user, server.password = get("SMTP_USER"), get("SMTP_PASSWORD")
            exchange = getattr(server, "auth_" + mechanism.lower().replace("-", "_"))
            server.auth(mechanism, exchange, initial_response_ok=mechanism != "LOGIN")
        else:
            server.login(get("SMTP_USER"), get("SMTP_PASSWORD"))
    for number in sorted(os.listdir(get("SMTP_MAILS")), key=int):
        folder = os.path.join(get("SMTP_MAILS"), number)

        def read(name):
            with open(os.path.join(folder, name), "rb") as file:
                return file.read()

        server.ehlo_or_helo_if_needed()
        body = [f"BODY={get('SMTP_BODY')}"] if get("SMTP_BODY") and server.has_extn("8bitmime") else []
        sender, recipients = read("from").decode().strip(), read("to").decode().splitlines()
        try:
            refused = server.sendmail(sender, recipients, read("message"), body)
            everybody = everybody and not refused
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
            print(error, file=sys.stderr)
            everybody = False
sys.exit(0 if everybody else 1)
