-- list_studies_to_seal: every study.
-- scope: none
select study_id
  from study
 order by study_id
