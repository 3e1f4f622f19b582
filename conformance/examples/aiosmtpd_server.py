"""A mail server for mx.example, made of aiosmtpd: python3 aiosmtpd_server.py"""

import asyncio

from aiosmtpd.smtp import SMTP


class Mailboxes:
    async def handle_RCPT(self, server, session, envelope, address, options):
        mailbox = address.lower().removesuffix("@mx.example")
        if mailbox not in ("bob", "carol", "postmaster"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server, session, envelope):
        print(f"{len(envelope.content)} octets for {', '.join(envelope.rcpt_tos)}")
        return "250 2.0.0 queued"


async def main():
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(Mailboxes(), hostname="mx.example", loop=loop)
    server = await loop.create_server(make, "127.0.0.1", 2525)
    async with server:
        await server.serve_forever()


asyncio.run(main())
