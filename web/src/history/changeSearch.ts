const changeParam = /^(row_key|table_name|action|at|changeset_id|request_id|q)(__|$)/

/** isChangeSearch reports whether a URL filters the single changes, as links from before there were change sets do. */
export const isChangeSearch = (search: Record<string, string | undefined>): boolean =>
  Object.keys(search).some((name) => changeParam.test(name))
