package scaffold

// Update is the flag by which golden files are written anew.
var Update = update
