-- Reasons of erasures and documents of consent lie sealed (docs/adr/0024).

-- Why a participant or a range was erased stands in the evidence of the study, which is sealed, and
-- was written there from the first erasure on. The plain copy is CLEARED here, and the table is
-- written anew without it, because dropping a column alone leaves its bytes in the pages.
alter table erasure alter column reason drop not null;
alter table erasure alter column reason type bytea using null;
alter table erasure drop column reason;

-- What a participant signed is sealed under the participant's key from now on. Plain names of documents
-- of decisions that stand are CLEARED: SQL has no keys to seal them with. They stand in the
-- participant's evidence (consent.record, participant.create, participant.import), which is sealed.
-- Changing the type writes the table anew, so that no page keeps them.
alter table consent alter column document drop not null;
alter table consent alter column document type bytea using null;
