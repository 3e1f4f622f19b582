"""A mail server made of aiosmtpd, for the tests: aiosmtpd_server.py FOLDER

Prints `listening ADDRESS:PORT`. Refuses recipients whose local part is `refused` with 550 and `later` with 451. Writes each accepted message to FOLDER/N.eml, octet by octet, and its
envelope to FOLDER/N.json after it. Runs until killed.
"""

import asyncio
import json
import os
import sys

from aiosmtpd.smtp import SMTP


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
        }
        name = os.path.join(self.folder, str(self.count))
        self.count += 1
        with open(name + ".eml", "wb") as file:
            file.write(envelope.original_content)
        with open(name + ".json", "w") as file:
            json.dump(about, file)
        return "250 2.0.0 stored"


async def main(folder):
    store = Store(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(store, data_size_limit=30_000_000, hostname="aiosmtpd.example"), "127.0.0.1", 0
    )
    print("listening %s:%d" % server.sockets[0].getsockname(), flush=True)
    await server.serve_forever()


asyncio.run(main(sys.argv[1]))
