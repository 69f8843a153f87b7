//! Every HTTP route: parse, authorise, call one function, answer.
