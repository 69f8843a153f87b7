//! The rules of care: NHS numbers, HL7 v2 messages, rotas, playbooks and the request state machine.

pub mod bank_holiday;
pub mod hl7;
mod instant;
pub mod nhs_number;
pub mod playbook;
pub mod request;
pub mod rota;

pub use nhs_number::{NhsNumber, NhsNumberError};
