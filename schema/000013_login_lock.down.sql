DROP TRIGGER lift_login_lock ON credential;
DROP FUNCTION lift_login_lock();
