//! Command line of Wardline.
fn main() {}
