package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/render/manifest"
)

func TestAnnotatePods_MarksWhatStartsPodsAndCanBeChanged(t *testing.T) {
	template := "{metadata: {annotations: {kept: as-it-was}}, spec: {containers: []}}"
	tests := []struct {
		name, text string
		path       []string // of the annotations; nil where there shall be none
	}{
		{"Deployment", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: " + template + "}}", []string{"spec", "template"}},
		{"StatefulSet", "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: x}, spec: {template: " + template + "}}", []string{"spec", "template"}},
		{"DaemonSet", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: x}, spec: {template: " + template + "}}", []string{"spec", "template"}},
		{"CronJob", "{apiVersion: batch/v1, kind: CronJob, metadata: {name: x}, spec: {jobTemplate: {spec: {template: " + template + "}}}}", []string{"spec", "jobTemplate", "spec", "template"}},
		{"Job", "{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {template: " + template + "}}", nil},
		{"a kind of another group", "{apiVersion: example.com/v1, kind: Deployment, metadata: {name: x}, spec: {template: " + template + "}}", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			objects, err := manifest.Decode("x.yaml", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			before := objects[0].DeepCopy()
			if err := annotatePods(objects[0], "abc"); err != nil {
				t.Fatal(err)
			}
			if test.path == nil {
				if diff := cmp.Diff(before.Object, objects[0].Object); diff != "" {
					t.Error(diff)
				}
				return
			}
			got, _, err := unstructured.NestedStringMap(objects[0].Object, append(test.path, "metadata", "annotations")...)
			if err != nil || got[AnnotationSupply] != "abc" || got["kept"] != "as-it-was" {
				t.Errorf("annotations = %v, %v", got, err)
			}
		})
	}
}

func TestRender_AnotherSupplyChangesOnlyPodTemplates(t *testing.T) {
	before := renderDemo(t, demo(t))
	p := demo(t)
	for i := range p.Units {
		if p.Units[i].Name == "forge" {
			p.Units[i].Supply = "another"
		}
	}
	changes := renderDemo(t, p).Diff(before)
	if len(changes) != 1 || changes[0].Path != "tools/forge/deployment-forge-forge.yaml" {
		t.Errorf("changed: %v", changes)
	}
}
