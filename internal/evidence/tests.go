package evidence

import (
	tests "github.com/in-toto/attestation/go/predicates/test_result/v0"
	"google.golang.org/protobuf/encoding/protojson"
)

// Results of a test run.
const (
	Passed = "PASSED"
	Warned = "WARNED"
	Failed = "FAILED"
)

// TestResult counts the tests that were run: facts out of a test result v0.1.
type TestResult struct {
	// Result is [Passed], [Warned] or [Failed].
	Result string `json:"result"`
	// PassedTests, WarnedTests and FailedTests count tests.
	PassedTests int `json:"passedTests"`
	WarnedTests int `json:"warnedTests"`
	FailedTests int `json:"failedTests"`
	// Failures are the names of the tests that failed.
	Failures []string `json:"failures,omitempty"`
	// URL leads to the run; "" where the result does not say.
	URL string `json:"url,omitempty"`
}

// DecodeTestResult reads a test result. One that says PASSED and names tests that failed is an error.
func DecodeTestResult(s Statement) (TestResult, error) {
	const what = "test result"
	if err := s.of(what, TestResultType); err != nil {
		return TestResult{}, err
	}
	var m tests.TestResult
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(s.Predicate, &m); err != nil {
		return TestResult{}, &DecodeError{What: what, Err: err}
	}
	out := TestResult{Result: m.GetResult(), PassedTests: len(m.GetPassedTests()), WarnedTests: len(m.GetWarnedTests()),
		FailedTests: len(m.GetFailedTests()), Failures: m.GetFailedTests(), URL: m.GetUrl()}
	switch out.Result {
	case Failed:
	case Passed, Warned:
		if out.FailedTests > 0 {
			return TestResult{}, decodeErrorf(what, "result is %s, and %d tests failed", out.Result, out.FailedTests)
		}
	default:
		return TestResult{}, decodeErrorf(what, "result is %q, and it is to be %s, %s or %s", shorten(out.Result), Passed,
			Warned, Failed)
	}
	return out, nil
}

// TestRun is what a test run reports: the names of its tests. It becomes a [TestResult] when it is read.
type TestRun struct {
	Passed []string `json:"passedTests,omitempty"`
	Warned []string `json:"warnedTests,omitempty"`
	Failed []string `json:"failedTests,omitempty"`
	// URL leads to the run.
	URL string `json:"url,omitempty"`
	// Configuration says what was run: at least one, such as the file that lists the tests.
	Configuration []Input `json:"configuration"`
}

// Statement writes a test result about an image.
func (r TestRun) Statement(about Subject) (Statement, error) {
	result := Passed
	switch {
	case len(r.Failed) > 0:
		result = Failed
	case len(r.Warned) > 0:
		result = Warned
	}
	predicate, err := encode(struct {
		Result string `json:"result"`
		TestRun
	}{result, r})
	if err != nil {
		return Statement{}, &DecodeError{What: "test result", Err: err}
	}
	s := newStatement(about, TestResultType, predicate)
	_, err = DecodeTestResult(s)
	return s, err
}
