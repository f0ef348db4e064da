-- list_study_ids: every study of the installation.
-- scope: reference
select study_id
  from study
 order by study_id
