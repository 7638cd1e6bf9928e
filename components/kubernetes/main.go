// Command kube is every program of a Kubernetes node in one file: etcd, the control plane,
// the kubelet, kube-proxy, what enforces NetworkPolicies, kubeadm and kubectl. They share most of their packages, so one
// program compiles and weighs a fraction of nine. Which one runs is told by the name it is
// started under; under any other name, by the first argument:
//
//	kube-apiserver --version     (a link to kube)
//	kube kube-apiserver --version
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	name, args := choose(os.Args)
	run, ok := programs[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "usage: kube PROGRAM [ARGUMENT...]\nprograms: %s\n", strings.Join(names(), " "))
		os.Exit(2)
	}
	// Every program reads os.Args itself.
	os.Args = args
	os.Exit(run())
}

// choose returns the program's name and the argument vector it is to see.
func choose(argv []string) (name string, args []string) {
	if len(argv) == 0 {
		return "", nil
	}
	name = filepath.Base(argv[0])
	if _, ok := programs[name]; ok || len(argv) == 1 {
		return name, argv
	}
	return filepath.Base(argv[1]), argv[1:]
}

func names() []string {
	all := make([]string, 0, len(programs))
	for name := range programs {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
