//! Black-box tests: matrix-sdk clients against the real binary.
