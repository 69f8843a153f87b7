//! The rules of care: NHS numbers, HL7 v2 messages, playbooks and the request state machine.
