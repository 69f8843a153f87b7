//! The rules of care: NHS numbers, HL7 v2 messages, rotas, playbooks, the request state machine and its
//! provable chain.

pub mod bank_holiday;
pub mod directory_index;
pub mod hl7;
mod instant;
pub mod nhs_number;
pub mod playbook;
pub mod proof;
pub mod request;
pub mod rota;

pub use nhs_number::{NhsNumber, NhsNumberError};
