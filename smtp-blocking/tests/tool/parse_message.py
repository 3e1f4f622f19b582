"""Reads a message with Python's email package: parse_message.py MESSAGE FOLDER

Writes the decoded octets of each part that holds no others to FOLDER/0, FOLDER/1, ... and prints one JSON object: what
stands in the header, the tree of parts, and what the package thinks is wrong with any of it.
"""

import email
import email.policy
import json
import pathlib
import sys

message_file, folder = map(pathlib.Path, sys.argv[1:])
message = email.message_from_bytes(message_file.read_bytes(), policy=email.policy.default)
defects = []
count = 0


def addresses(field):
    found = message[field]
    return found and [[address.display_name, address.addr_spec] for address in found.addresses]


def tree(part):
    global count
    defects.extend(map(repr, part.defects))
    for name, value in part.items():
        defects.extend(f"{name}: {defect!r}" for defect in value.defects)
    node = {"type": part.get_content_type()}
    if part.is_multipart():
        return node | {"related_to": part.get_param("type"), "parts": list(map(tree, part.iter_parts()))}
    octets = part.get_payload(decode=True)
    (folder / str(count)).write_bytes(octets)
    node |= {
        "octets": count,
        "encoding": part["Content-Transfer-Encoding"].cte,
        "charset": part.get_param("charset"),
        "disposition": part.get_content_disposition(),
        "name": part.get_filename(),
        "cid": part["Content-ID"],
    }
    count += 1
    if node["disposition"] is None:
        node["text"] = part.get_content().replace("\r\n", "\n")
    return node


body = tree(message)
print(
    json.dumps(
        {
            "fields": [name for name in message.keys()],
            "subject": message["Subject"],
            "from": addresses("From"),
            "to": addresses("To"),
            "cc": addresses("Cc"),
            "date": int(message["Date"].datetime.timestamp()),
            "message_id": message["Message-ID"],
            "mime_version": message["MIME-Version"],
            "body": body,
            "defects": defects,
        }
    )
)
