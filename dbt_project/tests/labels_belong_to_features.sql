-- Labels and features of an unverified cutoff speak of the same subjects.
with labels as (
    select cutoff_on, subject from {{ ref('lbl_user_churn') }}
    where cutoff_on = any(array({{ unverified_cutoffs('lbl_user_churn') }}))
),

rows_of_features as (
    select cutoff_on, subject from {{ ref('ftr_user_weekly') }}
    where cutoff_on = any(array(select distinct cutoff_on from labels))
)

select n_rows
from (
    select count(*) as n_rows
    from labels full join rows_of_features using (cutoff_on, subject)
    where labels.subject is null or rows_of_features.subject is null
) as faults
where n_rows > 0
