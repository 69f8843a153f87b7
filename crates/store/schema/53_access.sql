-- Break-glass, and who looked at which patient.

-- The record that another was merged into is looked for from that side too.
CREATE INDEX patients_by_replaced ON patients (replaced_by);

-- Openings of a patient's conversation from outside the care team. The audit log names them by id and carries a
-- hash of the reason, so that neither can be changed unseen.
CREATE TABLE break_glass (
  id      TEXT PRIMARY KEY,                     -- as in the audit entry
  patient TEXT NOT NULL REFERENCES patients (ref),
  at      INTEGER NOT NULL,                     -- ms
  reason  BLOB NOT NULL                         -- sealed: why, in the person's words
) STRICT;

-- The entries of the audit log that tell of a look at a patient.
CREATE TABLE patient_reads (
  patient TEXT NOT NULL REFERENCES patients (ref),
  seq     INTEGER NOT NULL REFERENCES audit_log (seq),
  PRIMARY KEY (patient, seq)
) STRICT;
INSERT INTO patient_reads (patient, seq)
  SELECT a.target, a.seq FROM audit_log a JOIN patients p ON p.ref = a.target WHERE a.action = 'patient.read';
