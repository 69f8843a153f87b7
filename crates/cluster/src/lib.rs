//! Wake-up bus between the committer and everything that follows the stream.
