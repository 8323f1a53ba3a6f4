DROP TRIGGER rename_owner ON account;
DROP FUNCTION rename_owner();
DROP FUNCTION assert_attachment_quota(bigint);
DROP TABLE attachment;
