"""A mail server made of aiosmtpd, for the tests: aiosmtpd_server.py SETTINGS

The settings are JSON: {"folder", "host", "port", "login"}, and `login` is null or {"implicit", "required",
"certificate", "key", "user", "password"}.

Refuses recipients whose local part is `refused` with 550 and `later` with 451. Writes
each accepted message to FOLDER/N.eml, octet by octet, and its envelope and login to FOLDER/N.json after it. Runs until
killed.
"""

import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Store:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 no such user"
        if address.startswith("later@"):
            return "451 4.2.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):
        about = {
            "from": envelope.mail_from,
            "options": envelope.mail_options,
            "to": envelope.rcpt_tos,
            "login": session.auth_data,
        }
        name = os.path.join(self.folder, str(self.count))
        self.count += 1
        with open(name + ".eml", "wb") as file:
            file.write(envelope.original_content)
        with open(name + ".json.new", "w") as file:
            json.dump(about, file)
        os.rename(name + ".json.new", name + ".json")
        return "250 2.0.0 stored"


def authenticator(login):
    def authenticate(server, session, envelope, mechanism, data):
        user = data.login.decode()
        right = user == login["user"] and data.password.decode() == login["password"]
        # Not handled: the reply to wrong credentials is left to aiosmtpd.
        return AuthResult(success=right, handled=False, auth_data={"mechanism": mechanism, "user": user})

    return authenticate


async def main(settings):
    store = Store(settings["folder"])
    options = {"data_size_limit": 30_000_000, "hostname": "aiosmtpd.example"}
    tls = None
    login = settings["login"]
    if login:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(login["certificate"], login["key"])
        options.update(auth_required=login["required"], authenticator=authenticator(login))
        if login["implicit"]:
            # It only knows of TLS that began with STARTTLS.
            options.update(auth_require_tls=False)
        else:
            options.update(tls_context=tls, require_starttls=login["required"])
            tls = None
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(store, **options)
    server = await loop.create_server(make, settings["host"], settings["port"], ssl=tls)
    await server.serve_forever()


asyncio.run(main(json.loads(sys.argv[1])))
