// Package embedded runs a real Kubernetes node on this machine, from upstream's programs and
// the distribution's containerd, in namespaces of its own. Up, Down, Purge and Status are called
// by the command line; Run and Init are the two supervisors behind `slipway node run` and
// `slipway node init`. It touches nothing on the host that it did not make.
//
// Two processes hold a node. Run stays in the host's namespaces: it joins the node's network to
// the host, forwards the gateway's port and the node's name lookups, and answers on a control
// socket. Init is process 1 of the node's PID, network, mount, UTS and IPC namespaces: it starts
// and watches the parts. When Init ends, the kernel ends everything inside, and with it every
// mount and link that was made there.
package embedded
