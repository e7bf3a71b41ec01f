"""The data centre: data queries, verification, locks, sites, accrual."""
