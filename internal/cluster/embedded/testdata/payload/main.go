// Command payload is what the tests' containers run.
//
//	payload pause            waits for SIGTERM
//	payload serve ADDRESS    answers every HTTP request with its name and the request's path
//	payload get URL...       prints what each answers
//	payload append FILE TEXT adds a line to a file and prints the file
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	switch args[0] {
	case "pause":
		<-ended
	case "serve":
		name, _ := os.Hostname()
		fmt.Println("serves on", args[1])
		go func() {
			err := http.ListenAndServe(args[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, "%s answers %s\n", name, r.URL.Path)
			}))
			fmt.Println(err)
			os.Exit(1)
		}()
		<-ended
	case "get":
		client := &http.Client{Timeout: 5 * time.Second}
		for _, url := range args[1:] {
			response, err := client.Get(url)
			if err != nil {
				return err
			}
			if _, err := io.Copy(os.Stdout, response.Body); err != nil {
				return err
			}
		}
	case "append":
		f, err := os.OpenFile(args[1], os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
		if err != nil {
			return err
		}
		fmt.Fprintln(f, args[2])
		text, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		fmt.Print(string(text))
	}
	return nil
}
