-- A new password lifts the rate limit of failed sign-ins with the username, however the password is set.

-- The subject is the one that the server counts: a hash, because it may be a password typed into the wrong field.
CREATE FUNCTION lift_login_lock() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM login_attempt
    WHERE subject = (
        SELECT 'name ' || encode(sha256(convert_to(username, 'UTF8')), 'hex')
        FROM account
        WHERE id = NEW.account_id
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lift_login_lock IS
    'Trigger function: deletes the count of failed sign-ins with the username of a new password.';

CREATE TRIGGER lift_login_lock AFTER INSERT OR UPDATE OF password_hash ON credential
    FOR EACH ROW EXECUTE FUNCTION lift_login_lock();
