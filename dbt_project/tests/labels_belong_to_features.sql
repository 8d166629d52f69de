-- Labels and features of an unverified cutoff speak of the same subjects.
with cutoffs as (
    {{ unverified_cutoffs('lbl_user_churn') }}
),

labels as (
    select cutoff_on, subject from {{ ref('lbl_user_churn') }} where cutoff_on in (select cutoff_on from cutoffs)
),

rows_of_features as (
    select cutoff_on, subject from {{ ref('ftr_user_weekly') }}
    where cutoff_on in (select cutoff_on from labels)
)

select n_rows
from (
    select count(*) as n_rows
    from labels full join rows_of_features using (cutoff_on, subject)
    where labels.subject is null or rows_of_features.subject is null
) as faults
where n_rows > 0
