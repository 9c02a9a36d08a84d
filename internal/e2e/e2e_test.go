package e2e

import "testing"

// TestSendoff runs everything that can share one stack, side by side.
func TestSendoff(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	for name, test := range map[string]func(*testing.T, *stack){
		"Magic":                 testMagic,
		"People":                testPeople,
		"NumbersOfOneApp":       testNumbersOfOneApp,
		"TestKey":               testTestKey,
		"Simulate":              testSimulate,
		"SendAt":                testSendAt,
		"SendAtCancelled":       testSendAtCancelled,
		"CancelRefused":         testCancelRefused,
		"Patch":                 testPatch,
		"PatchFarFuture":        testPatchFarFuture,
		"IdempotencyParallel":   testIdempotencyParallel,
		"IdempotencyOtherBody":  testIdempotencyOtherBody,
		"BatchNDJSON":           testBatchNDJSON,
		"BatchNDJSONReplayed":   testBatchReplayed,
		"BatchJSON":             testBatchJSON,
		"Wait":                  testWait,
		"ETag":                  testETag,
		"Stream":                testStream,
		"StreamResumes":         testStreamResumes,
		"ListFilters":           testListFilters,
		"ListCursor":            testListCursor,
		"PostStatus":            testPostStatus,
		"StopAndStart":          testStopAndStart,
		"Window":                testWindow,
		"CallbackForged":        testCallbackForged,
		"Fallback":              testFallback,
		"CallbackRepeated":      testCallbackRepeated,
		"RefusedWithEveryFault": testRefusedWithEveryFault,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}
