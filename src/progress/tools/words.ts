/** Words that tell whether a number beside them is progress. */

export const AT_WORK =
  /\b(?:progress|complet|done|finish|(?:down|up)?load|process|cop(?:y|ied)|extract|(?:un)?pack|install|build|built|compil|convert|encod|render|train|index|sync|transfer|receiv|send|sent|writ|read|scan|generat|fetch|pull|push|import|export|back(?:ing|ed)?.?up|restor|verif|check|clon|resolv|updat|creat|delet|remov|merg|mov|upgrad|migrat|test|step|stage|phase|epoch|batch|chunk|part|file|item|page|row|record|task|layer|block|frame|object)/i

/** Shares and levels: they go up and down, and say nothing of an end. */
export const LEVEL =
  /\b(?:cpu|gpu|mem|memory|ram|swap|heap|usage|used|util\w*|hits?|miss(?:es)?|loss|accuracy|acc|precision|recall|coverage|covered|battery|disk|free|idle|busy|faster|slower|smaller|larger|increase|decrease|reduction|sav(?:ed|ings?)|ratio|discount|tax|confidence|probability|similarity|humidity|volume|threshold|quality|zoom|deflated|opacity|p\d\d|percentile|packet|overhead|full|growth|interest|error rate|failure rate|success rate)\b/i

/** Of so many that go on side by side, or of marks: `attempt 1/3`, `worker 2/4`, `1/1 ready`. */
export const NO_COUNT =
  /\b(?:attempts?|retry(?:ing)?|retries|try|tries|workers?|replicas?|ranks?|scores?|scored|ratings?|rated|grade|stars?|odds|ratio|python|port|exit|ready|running|healthy|available|version|scale|vs|date|dated)\b/i
