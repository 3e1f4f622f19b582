//! SMTP client and server on blocking `std::net` sockets.
