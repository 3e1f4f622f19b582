//! Cuts the octets of the peer into lines.
