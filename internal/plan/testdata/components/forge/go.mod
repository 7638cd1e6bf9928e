module example.com/components/forge

go 1.26

require example.com/forge v1.2.3
