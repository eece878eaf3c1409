-- Set style and timeouts for this transaction, because PgBouncer does not keep session settings.
SELECT
    set_config('timezone', %(timezone)s, true),
    set_config('datestyle', %(datestyle)s, true),
    set_config('intervalstyle', %(intervalstyle)s, true),
    set_config('standard_conforming_strings', %(standard_conforming_strings)s, true),
    set_config('statement_timeout', %(statement_timeout)s, true),
    set_config('lock_timeout', %(lock_timeout)s, true),
    set_config(
        'idle_in_transaction_session_timeout', %(idle_in_transaction_session_timeout)s, true
    ),
    set_config('random_page_cost', %(random_page_cost)s, true)
