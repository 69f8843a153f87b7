//! The real binary, seen from outside: matrix-sdk clients that encrypt, and SIGKILL under load.

mod crash;
mod encrypted;
mod hospital;
mod oauth;
mod process;
mod qr;
mod server;
mod sliding;
