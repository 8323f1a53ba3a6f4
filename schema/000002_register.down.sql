DROP VIEW instrument;
DROP TABLE container;
DROP TABLE computer;
DROP TABLE freezer;
DROP TABLE site;
