//! SIGKILL at random instants under load: nothing that was acknowledged is lost.
