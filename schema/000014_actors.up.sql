-- Actors and usernames: actors outside the accounts have a prefix, and usernames that look alike are rejected.

-- Two usernames with the same key look alike. They differ only in case, in their Unicode normal form, in spaces, in
-- invisible characters, or in letters that look the same in two alphabets. The letters are those that Unicode's
-- confusables.txt maps to one ASCII character, from the alphabets that are used with or beside Latin. ASCII characters
-- that look alike, such as 0 and O, stay different, since names such as lab1 and labl are common. So do accents.
CREATE FUNCTION username_key(username text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN btrim(regexp_replace(
    CASE
        WHEN octet_length(username) = length(username) THEN lower(username COLLATE "C") -- only ASCII
        ELSE translate(
            regexp_replace(
                lower(upper(lower(normalize(username, NFKD) COLLATE "und-x-icu"))),
                U&'[\00AD\034F\061C\115F\1160\180B-\180E\200B-\200F\202A-\202E\2060-\206F\2800\FE00-\FE0F\FEFF]',
                '',
                'g'
            ),
                $$×ƅƍƨƽǀȝȣɑɜɡɣɩɪɯʀʋʏʒʝʹʻʼʽʾˈˊˋː˗˴˸αβγεζηικμνορστυχϝϩϳϻабвгезкм$$ ||
                $$норстухьѕіјѡѵүһҽӏӡԁԍԛԝ՚՝ագզհոռստցքօ։ყჿᏻᏼ᛬᠃ᴄᴏᴑᴜᴠᴡᴢᴦᶃᶌẝỿ‐‒–‘’‚$$ ||
                $$‛′‵⁃⁚℮−∣∨∪∶⊤⋁⋃⋿⍳⍴⍺⏽╳➖⟙⤫⤬⨯ⲅⲏⲓⲕⲙⲛⲟⲣⲥⲧⲩⲭⲻⳋⳍⳑⳓꓐꓑꓒꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧ$$ ||
                $$ꓪꓫꓬꓮꓰꓲꓳꓴꓸꓹꓽꙅꙇꜱꝛꝫꝯ꞉ꞌꞙꞟꞵꬲꬵꬽꭇꭈꭎꭒꭓꭚꭰꭱꭲꭵꭹꭺꭻꭼꮁꮃꮇꮋꮍꮐꮒꮓꮞꮟꮢꮤꮥꮩꮪꮮꮯꮲꮶꮷꮾ$$,
                $$xbg2sl38a3gyiiwruy3j'''''''':-':abyezhikmvopotuxf2jma6bre3km$$ ||
                $$hopctyxbsijwvyhei3dgqw''wqqhnnusgfo:yogb::coouvwzrgyfy---'',$$ ||
                $$'''-:e-lvu:tvueipalx-txxxrhlkmnopctyx-93l6bpddtgkjczfmnlsrvh$$ ||
                $$wxyaelou.,:2is239:'fubeforruuxydrtiyajerwmhyghz4brwsvslcpkd6$$
        ) COLLATE "C"
    END,
    ' +',
    ' ',
    'g'
));
COMMENT ON FUNCTION username_key IS 'Returns the same text for usernames that look alike.';


DO $$
DECLARE
    problems constant text := (
        SELECT string_agg(names, '; ')
        FROM (
            SELECT string_agg(quote_literal(username), ', ' ORDER BY id) AS names
            FROM account
            GROUP BY username_key(username)
            HAVING count(*) > 1 OR username_key(min(username)) ~ '^(anonymous$|os:|db:)'
        ) AS problem
    );
BEGIN
    IF problems IS NOT NULL THEN
        RAISE EXCEPTION 'usernames look alike, or like an actor outside the accounts: %', problems
            USING HINT = 'Rename all but one of each group with the old version, and migrate again.';
    END IF;
END
$$;

CREATE UNIQUE INDEX account_username_key_idx ON account (username_key(username));

ALTER TABLE account
    DROP CONSTRAINT account_username_other_than_anonymous,
    ADD CONSTRAINT account_username_other_than_anonymous CHECK (username_key(username) <> 'anonymous'),
    ADD CONSTRAINT account_username_without_the_prefix_os_or_db CHECK (username_key(username) !~ '^(os|db):');

COMMENT ON COLUMN account.username IS
    'Unique name of the user, case-sensitive. Usernames that look alike are rejected.';


-- The server's commands prefix the name of the operating system user with "os:".
CREATE OR REPLACE FUNCTION current_actor() RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('labledger.actor', true), ''), 'db:' || session_user);
COMMENT ON FUNCTION current_actor IS
    'Actor of the running transaction: the caller of the API, "os:" and the operating system user of a command, '
    'or "db:" and the database role of a psql session.';

COMMENT ON COLUMN change.actor IS
    'Caller of the API, "os:" and the operating system user of a command, '
    'or "db:" and the database role of a psql session.';
COMMENT ON COLUMN ruleset.actor IS 'Actor that changed a rule, as in the history.';
COMMENT ON COLUMN event.actor IS 'Actor that recorded the event, as in the history.';
COMMENT ON COLUMN alert.actor IS 'Actor that made the last change, as in the history.';
COMMENT ON COLUMN alert_change.actor IS 'Actor that made the change, as in the history.';
COMMENT ON COLUMN todo.owner IS 'Actor that created the todo, as in the history.';
COMMENT ON COLUMN attachment.owner IS 'Actor that uploaded the file, as in the history.';


-- A new user must not get the name of a former user, or one that looks like it.
DROP INDEX change_before_username_idx;
CREATE INDEX change_before_username_idx ON change (username_key(before ->> 'username'))
    WHERE table_name = 'account' AND before IS NOT NULL;

-- Older rows of the history name actors outside the accounts without a prefix.
-- Sequential scans are off because a new name is found nowhere, which the planner does not expect.
CREATE OR REPLACE FUNCTION assert_username_unused(name text) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off
AS $$
BEGIN
    IF EXISTS (SELECT FROM change WHERE actor = name)
        OR EXISTS (
            SELECT
            FROM change
            WHERE table_name = 'account' AND before IS NOT NULL
                AND username_key(before ->> 'username') = username_key(name)
        )
    THEN
        RAISE EXCEPTION 'the username was used before'
            USING ERRCODE = 'unique_violation', TABLE = 'account', CONSTRAINT = 'account_username_unique';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION assert_username_unused IS
    'Returns true if neither a username nor one that looks like it appears in the history. '
    'Otherwise raises a unique violation.';


-- Owners that are and were no account get the prefix, so that no later account owns their rows. The history keeps the
-- old names.
UPDATE todo
SET owner = CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = owner) THEN 'db:' ELSE 'os:' END || owner
WHERE owner <> 'anonymous'
    AND NOT EXISTS (SELECT FROM account WHERE username = owner)
    AND NOT EXISTS (SELECT FROM change WHERE table_name = 'account' AND before ->> 'username' = owner);

UPDATE attachment
SET owner = CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = owner) THEN 'db:' ELSE 'os:' END || owner
WHERE owner <> 'anonymous'
    AND NOT EXISTS (SELECT FROM account WHERE username = owner)
    AND NOT EXISTS (SELECT FROM change WHERE table_name = 'account' AND before ->> 'username' = owner);
