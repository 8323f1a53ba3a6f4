import { expect, test } from 'vitest'

import { parseSeriesText, seriesTexts } from './series'

test.each([
  ['box 1…20', { text: 'box {n}', from: 1, to: 20, digits: 1 }],
  ['box 01...20, A', { text: 'box {n}, A', from: 1, to: 20, digits: 2 }],
  ['9 .. 7', { text: '{n}', from: 9, to: 7, digits: 1 }],
  ['Minus80-B2, cohort 12-14', undefined],
  ['box', undefined],
])('the series of %j', (text, series) => expect(parseSeriesText(text)).toEqual(series))

test.each([
  [{ text: 'box {n}', from: 9, to: 11, digits: 2 }, ['box 09', 'box 10', 'box 11']],
  [{ text: 'box', from: 1, to: 2, digits: 1 }, ['box 1', 'box 2']],
  [{ text: 'B-', from: 1, to: 1, digits: 3 }, ['B- 001']],
  [{ text: '{n} of {n}', from: 2, to: 1, digits: 1 }, ['2 of 2', '1 of 1']],
  [{ text: '{n}', from: 1, to: NaN, digits: 1 }, []],
  [{ text: '{n}', from: 1, to: 9e15, digits: 1 }, ['1', '2', '3', '4', '5']],
])('the texts of %j', (series, texts) => expect(seriesTexts(series, 5)).toEqual(texts))
